# Reads each table of a release as its data package says, and prints all of them as JSON, a list a column.
suppressPackageStartupMessages({
  library(jsonlite)
  library(readr)
})
folder <- commandArgs(trailingOnly = TRUE)[[1]]
package <- read_json(file.path(folder, "datapackage.json"))
tables <- list()
for (resource in package$resources) {
  fields <- resource$schema$fields
  texts <- vapply(fields, function(of) of$type == "string", TRUE)
  kinds <- paste(ifelse(texts, "c", "d"), collapse = "")
  table <- read_csv(file.path(folder, resource$path), col_types = kinds, na = "")
  stopifnot(nrow(problems(table)) == 0)
  stopifnot(identical(names(table), vapply(fields, function(of) of$name, "")))
  table[texts][is.na(table[texts])] <- ""
  tables[[resource$name]] <- as.list(table)
}
# The ministry's files have symbols among the numbers: each cell is the text that stands there.
for (resource in package$resources) {
  for (name in paste0(resource$name, c("_dfe", "_dfe.meta"))) {
    path <- file.path(folder, paste0(name, ".csv"))
    if (file.exists(path)) {
      table <- read_csv(path, col_types = cols(.default = "c"), na = character())
      stopifnot(nrow(problems(table)) == 0)
      tables[[name]] <- as.list(table)
    }
  }
}
cat(toJSON(tables, digits = NA, na = "null"))
