"""floe: workflows on your own machines. Each room's docstring says what lives there."""

__version__ = "0.1.0"
