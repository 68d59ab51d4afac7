"""The moving parts: cache, deadlines, workers, writer, inventory. No `if` about leases."""
