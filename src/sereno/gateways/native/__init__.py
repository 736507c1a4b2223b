"""The native protocol: binary frames over TCP and TLS (docs/wire.md)."""
