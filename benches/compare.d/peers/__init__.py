"""The servers, each loaded with the same content, and started on a port of its own."""
