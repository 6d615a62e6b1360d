"""Finding models on the Hub: judged before they are fetched."""
