"""The documentation, and the code that writes its generated parts."""
