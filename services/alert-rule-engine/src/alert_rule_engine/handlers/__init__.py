"""The use cases: take rules over, evaluate a batch, apply partials and store the state."""
