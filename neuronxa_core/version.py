"""The version, in a module that imports nothing: pyproject.toml, exports and provenance read it here."""

__version__ = "0.2.0"
