"""What a round comes to: a trust's sites on a page, a site's sheet, the academy's centres, fair share."""
