"""The filters of templates by theme, and a table of them."""
