mod formats;
mod hostile;
