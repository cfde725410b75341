"""What the API and the web pages read out of the views."""
