"""The outside made to fit the ports, one package or module for each thing outside."""
