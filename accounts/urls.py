from django.urls import re_path

from accounts import views

# A trailing slash is no error.
urlpatterns = [
    re_path(r"^token/?$", views.TokenView.as_view()),
    re_path(r"^token/refresh/?$", views.RefreshView.as_view()),
    re_path(r"^logout/?$", views.LogoutView.as_view()),
    re_path(r"^me/?$", views.MeView.as_view()),
    re_path(r"^tokens/?$", views.TokensView.as_view()),
    re_path(r"^tokens/(?P<token_id>\d{1,18})/?$", views.OneTokenView.as_view()),
]
