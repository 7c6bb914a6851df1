"""The keys of the API, over the API: for whoever has the scope `admin`."""
