"""HTTP: parse the request, call the hub, render the reply. One file per resource."""
