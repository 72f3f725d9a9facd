//! A TLS connection that says that it ends. One that is only dropped, because its client was silent for too long or because
//! what served it failed, would look to the client like an answer that somebody cut off (RFC 8446, 6.1).

use std::{
    io::{IoSlice, Result},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

/// The connection.
pub struct Announced(pub TlsStream<TcpStream>);

impl Drop for Announced {
    fn drop(&mut self) {
        let (socket, tls) = self.0.get_mut();
        // Nothing is added where it was said already.
        tls.send_close_notify();
        let mut rest = Vec::new();
        while tls.wants_write() && tls.write_tls(&mut rest).is_ok() {}
        // Nobody waits for a client that does not read: what the socket does not take at once is lost.
        let _ = socket.try_write(&rest);
    }
}

impl AsyncRead for Announced {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_read(context, into)
    }
}

impl AsyncWrite for Announced {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, from)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, from)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Config, tls};
    use rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    };
    use std::{io::ErrorKind, sync::Arc};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };
    use tokio_rustls::{TlsAcceptor, TlsConnector, client};

    async fn both() -> (TlsStream<TcpStream>, client::TlsStream<TcpStream>) {
        let dir = tempfile::tempdir().unwrap();
        let acceptor = TlsAcceptor::from(tls::load(&Config::default(), dir.path()).unwrap().config);
        let mut roots = RootCertStore::empty();
        let pem = dir.path().join("tls/certificate.pem");
        roots.add(CertificateDer::from_pem_file(pem).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let served = async { acceptor.accept(listener.accept().await.unwrap().0).await.unwrap() };
        let asked = connector.connect(ServerName::try_from("localhost").unwrap(), stream);
        let (server, client) = tokio::join!(served, asked);
        (server, client.unwrap())
    }

    #[tokio::test]
    async fn a_connection_that_is_dropped_is_ended_with_notice() {
        let (server, mut client) = both().await;
        drop(server);
        let cut = client.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::UnexpectedEof, "without it: {cut}");
        let (server, mut client) = both().await;
        drop(Announced(server));
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn what_was_written_before_comes_before_the_notice() {
        let (server, mut client) = both().await;
        let mut server = Announced(server);
        server.write_all(b"answer").await.unwrap();
        drop(server);
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"answer");
    }

    #[tokio::test]
    async fn a_notice_is_given_once() {
        let (server, mut client) = both().await;
        let mut server = Announced(server);
        server.shutdown().await.unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
    }
}
