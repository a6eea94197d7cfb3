"""A provider that speaks the upstream's protocol over real HTTP, for demos and tests."""
