"""What each programme and stage needs in a round: its blocks, modalities, weeks, days and variety."""
