"""The add-on's version, which a worker tells its backend and a panel its server."""

ADDON_VERSION = "0.1.0"
