# It needs a package that is not installed.
import weblab_no_such_framework as web

web.serve("HelloWorld.html", port=8080)
