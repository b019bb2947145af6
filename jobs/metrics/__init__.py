"""Time series and progress read out of what training programs print, with no change to them."""
