"""HTTP: parse, call the hub, render. One file per resource; nothing is decided here."""
