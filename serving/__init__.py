"""Who uses the models: reads the folder of served versions, and knows nothing of what made them."""
