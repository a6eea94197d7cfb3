"""The doors: HTTP, the command line, background work, and the wiring that joins everything."""
