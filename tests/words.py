"""A word list for tiny models, whose tokens are bytes.

Five rows differ in their first letters in every language. `night` and `nuit` do not, and the last row has no
French word.
"""

from pathlib import Path

WORDS = Path(__file__).with_name("words.tsv")
