"""Go's text/template with the functions that uTask gives it: read once, compiled, bounded.

Text is split into tokens, parsed into a tree and compiled; a render takes data, fuel and the
surroundings (the instant, chance, time zones, variables) and gives text. It touches no attribute
and calls no method of a Python object.

Left out on purpose: `env`, `expandenv` and `getHostByName` (they show the host to a template),
keys and certificates, `bcrypt` and `htpasswd`, complex numbers.

Source: https://pkg.go.dev/text/template, https://masterminds.github.io/sprig (3.3), uTask's README.
"""
