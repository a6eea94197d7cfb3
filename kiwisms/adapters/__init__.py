"""The adapters: each implements a port with one outside system or library."""
