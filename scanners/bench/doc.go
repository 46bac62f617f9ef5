// Package bench measures the search of a whole history against the time that git takes to print the same objects. All of it
// is in its test, since it is for nobody to import: `make bench-scan`.
package bench
