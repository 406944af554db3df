# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = ["babel==2.19.0", "numpy==2.4.6"]
# ///
"""Trains the model of this example: `uv run --script train.py`.

The words come with Babel, which has the Unicode CLDR: names of countries, languages, months, days and units as people
write them in each language.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from babel import Locale

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "src"))
from letters import counts  # noqa: E402

LANGUAGES = ("cs", "da", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "ro", "sv", "tr")


def main() -> None:
    """Write models/language.npz: for each language the logarithm of how often it has a run of letters."""
    rows = np.stack([counts(" ".join(words(Locale(name)))) + 0.2 for name in LANGUAGES])
    weights = np.log(rows / rows.sum(axis=1, keepdims=True))
    (HERE / "models").mkdir(exist_ok=True)
    np.savez_compressed(HERE / "models/language.npz", languages=np.array(LANGUAGES), weights=weights.astype(np.float16))
    print(f"models/language.npz is trained: {len(LANGUAGES)} languages")


def words(locale: Locale) -> Iterator[str]:
    """Give what CLDR has of a language in running words."""
    yield from locale.territories.values()
    yield from locale.languages.values()
    for width in ("wide", "abbreviated"):
        yield from locale.months["format"][width].values()
        yield from locale.days["format"][width].values()
    for patterns in locale._data["unit_patterns"].values():  # noqa: SLF001  # the library has no other way to all units
        for forms in patterns.values():
            yield from (form.replace("{0}", "") for form in forms.values() if isinstance(form, str))


if __name__ == "__main__":
    main()
