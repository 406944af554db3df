// Codegen reads a package's schema from standard input and writes the package's Node.js SDK into the folder that is
// its one argument. What Pulumi's binder says of the schema goes to standard error; if it says anything, the program
// fails.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/pkg/v3/codegen/nodejs"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
)

// alone stands for the packages that a schema may refer to; ours refers to none, so none is ever asked for.
type alone struct{ schema.ReferenceLoader }

func main() {
	if err := generate(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate(folder string) error {
	var spec schema.PackageSpec
	if err := json.NewDecoder(os.Stdin).Decode(&spec); err != nil {
		return err
	}
	pkg, found, err := schema.BindSpec(spec, alone{}, schema.ValidationOptions{})
	if err != nil {
		return err
	}
	for _, one := range found {
		fmt.Fprintln(os.Stderr, one)
	}
	if len(found) > 0 {
		return fmt.Errorf("the schema has %d faults", len(found))
	}
	files, err := nodejs.GeneratePackage("aciml", pkg, nil, nil, true, alone{})
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
