"""What the standard lacks: the `zeebe:` and `procession:` layers, and what is translated from other engines."""
