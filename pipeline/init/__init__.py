"""`beltline init`: looks at a table, and writes the settings and the schema for it."""
