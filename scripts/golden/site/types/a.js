type js
