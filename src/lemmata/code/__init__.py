"""Code cells: run in a worker of their own and compared with the formulas they implement; see `check.check_code`."""
