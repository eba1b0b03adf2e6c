"""Where things are and how long it takes to get there: postcodes, travel minutes, uploaded matrices.

Part of the ground floor: plain Python and NumPy, no network, and it knows no other part of placements.

    postcodes   Point, normalise_postcode, outward_code, locate, locate_many, locate_outward
    travel      estimate_minutes, estimate_matrix: the formula (docs/travel.md gives sources and limits)
    matrix      parse_matrix, TravelTimes: an uploaded figure where there is one, an estimate elsewhere
"""
