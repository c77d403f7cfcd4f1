"""What stands beside a figure: other ways to do the same work, measured in the same run."""
