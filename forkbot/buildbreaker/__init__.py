"""Who turned a build or a component red: searched for along upstream's line and the series."""
