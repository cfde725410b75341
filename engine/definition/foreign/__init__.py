"""Words of other workflow languages, each with what stands for it here."""
