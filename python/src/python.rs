//! What Python sees: a release, its tables, and the text of a definition.

use std::path::PathBuf;

use arrow_array::{
    Array, Float64Array, Int64Array, RecordBatchIterator, StringArray,
    ffi_stream::FFI_ArrowArrayStream,
};
use pyo3::{
    Bound, IntoPyObjectExt, Py, PyAny, PyResult, Python,
    exceptions::{PyKeyError, PyValueError},
    pyclass, pyfunction, pymethods,
    types::PyCapsule,
};

use crate::{definition, release, table};

/// A release whose files are those that its manifest names.
#[pyclass(frozen, module = "minster._native")]
pub(crate) struct Release {
    inner: release::Release,
}

#[pymethods]
impl Release {
    #[getter]
    fn name(&self) -> &str {
        &self.inner.manifest.release
    }

    #[getter]
    fn period(&self) -> &str {
        &self.inner.manifest.period
    }

    #[getter]
    fn title(&self) -> &str {
        &self.inner.manifest.title
    }

    #[getter]
    fn folder(&self) -> PathBuf {
        self.inner.folder.clone()
    }

    #[getter]
    fn sha256(&self) -> &str {
        &self.inner.sha256
    }

    /// The text of `manifest.json`.
    #[getter]
    fn manifest(&self) -> &str {
        &self.inner.manifest.text
    }

    #[getter]
    fn tables(&self) -> Vec<Table> {
        self.inner.tables.iter().cloned().map(|inner| Table { inner }).collect()
    }
}

/// A table as columns.
#[pyclass(frozen, module = "minster._native")]
pub(crate) struct Table {
    inner: table::Table,
}

#[pymethods]
impl Table {
    #[getter]
    fn name(&self) -> &str {
        &self.inner.name
    }

    #[getter]
    fn title(&self) -> &str {
        &self.inner.title
    }

    #[getter]
    fn rows(&self) -> usize {
        self.inner.rows()
    }

    /// The names of all columns, in their order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.inner.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// Each column of numbers with the column of its statuses.
    #[getter]
    fn measures(&self) -> Vec<(String, String)> {
        self.inner.measures.clone()
    }

    /// The Arrow type of a column, as text.
    fn type_of(&self, name: &str) -> PyResult<String> {
        let field = self.inner.schema.field_with_name(name);
        Ok(field.map_err(|_| PyKeyError::new_err(name.to_owned()))?.data_type().to_string())
    }

    /// The values of a column; `None` where there is no number.
    fn values(&self, py: Python<'_>, name: &str) -> PyResult<Vec<Py<PyAny>>> {
        let mut values = Vec::with_capacity(self.inner.rows());
        for batch in self.inner.batches.iter() {
            let column =
                batch.column_by_name(name).ok_or_else(|| PyKeyError::new_err(name.to_owned()))?;
            let any = column.as_any();
            if let Some(texts) = any.downcast_ref::<StringArray>() {
                for text in texts {
                    values.push(text.into_py_any(py)?);
                }
            } else if let Some(numbers) = any.downcast_ref::<Int64Array>() {
                for number in numbers {
                    values.push(number.into_py_any(py)?);
                }
            } else if let Some(numbers) = any.downcast_ref::<Float64Array>() {
                for number in numbers {
                    values.push(number.into_py_any(py)?);
                }
            } else {
                return Err(PyValueError::new_err(format!("{name} is of another type")));
            }
        }
        Ok(values)
    }

    /// The columns by the C interface of Arrow, for any library that reads it.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface allows to hand over the types as they are.
        drop(requested_schema);
        let batches = self.inner.batches.as_ref().clone().into_iter().map(Ok);
        let reader = RecordBatchIterator::new(batches, self.inner.schema.clone());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }
}

/// Opens the folder of a release; `sha256`, or its first 32 digits, is the one that the caller was told.
#[pyfunction]
#[pyo3(signature = (folder, sha256=None))]
pub(crate) fn open(py: Python<'_>, folder: PathBuf, sha256: Option<String>) -> PyResult<Release> {
    let opened = py.detach(|| release::open(&folder, sha256.as_deref()));
    opened.map(|inner| Release { inner }).map_err(|fault| PyValueError::new_err(fault.to_string()))
}

/// A definition, given as JSON, as TOML.
#[pyfunction]
pub(crate) fn to_toml(json: &str) -> PyResult<String> {
    definition::to_toml(json).map_err(PyValueError::new_err)
}

/// TOML as JSON.
#[pyfunction]
pub(crate) fn from_toml(text: &str) -> PyResult<String> {
    definition::from_toml(text).map_err(PyValueError::new_err)
}
