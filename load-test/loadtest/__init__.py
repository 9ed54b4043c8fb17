"""Posts logs at a steady rate, then asks every stage of the pipeline what became of them."""
