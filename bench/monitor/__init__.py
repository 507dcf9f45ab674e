"""What the monitor's join and statistics cost: against millions of pending ones, over many days, beside others."""
