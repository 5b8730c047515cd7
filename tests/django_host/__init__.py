"""What tests add to the projects of the pages for Django and allauth: settings, routes, models, a server."""
