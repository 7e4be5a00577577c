"""The version, alone in a module so that packaging and the cache read it without importing anything else."""

VERSION = "0.1.0"
