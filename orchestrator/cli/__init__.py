"""Arguments in, text out; the only `print`, the only `sys.exit`."""
