"""Other simulators as engines, a file each, and what they share. Each imports its library when it is asked for."""
