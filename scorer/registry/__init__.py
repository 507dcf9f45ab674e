"""Redis, the last good copy on disk, versions as files, signatures: where versions are, and which of them counts."""
