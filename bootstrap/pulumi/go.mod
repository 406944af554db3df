// What the Pulumi CLI is built of where its installer cannot be reached; see pulumi_cli.py.
module pulumicli

go 1.26.6

require github.com/pulumi/pulumi/pkg/v3 v3.274.1
