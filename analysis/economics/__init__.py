"""What owning and renting cost, and when one overtakes the other. Pure functions."""
