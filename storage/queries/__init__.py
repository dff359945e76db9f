"""Questions to the store, one file per subject. They read; they never write."""
