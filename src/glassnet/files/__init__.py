"""Files on disk: atomic writing (`atomic`) and the sealed `.glassnet` file (`container`)."""
