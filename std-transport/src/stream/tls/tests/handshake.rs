//! Who is let in, and how.

use rustls::{AlertDescription, Error, HandshakeKind, ProtocolVersion};

use super::*;

/// The error of rustls in an error of the stream.
fn cause(error: &io::Error) -> Option<&Error> {
    let inner: &(dyn std::error::Error + 'static) = error.get_ref()?;
    inner.downcast_ref().or_else(|| inner.source()?.downcast_ref())
}

#[test]
fn write_before_the_handshake_would_block() {
    let mut pair = Ends::new().pair(Role::Server);
    assert_eq!(pair.stream.write(b"early").unwrap_err().kind(), ErrorKind::WouldBlock);
    pair.open().unwrap();
    assert!(pair.received.is_empty());
}

#[test]
fn client_with_the_right_certificate_is_known_to_the_server() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let own = clients.certify();
    let ends = Ends::of(&servers, Some(&clients), Some(&own));
    for role in ROLES {
        let mut pair = ends.opened(role);
        pair.write(b"hello").unwrap();
        assert_eq!(pair.received, b"hello");
        let server = if role == Role::Server { pair.stream.tls().unwrap() } else { &pair.peer };
        assert_eq!(server.peer_certificates(), Some(&chain(&own).0[..]));
        assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    }
}

#[test]
fn client_without_a_certificate_is_refused_and_told() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let ends = Ends::of(&servers, Some(&clients), None);
    let mut pair = ends.pair(Role::Server);
    let error = pair.open().unwrap_err();
    assert_eq!(error.to_string(), "the TLS handshake failed: peer sent no certificates");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    assert_eq!(cause(&error), Some(&Error::NoCertificatesPresented));
    assert_eq!(pair.failure, Some(Error::AlertReceived(AlertDescription::CertificateRequired)));

    // The client learns it when it receives.
    let mut pair = ends.opened(Role::Client);
    let error = pair.receive(1).unwrap_err();
    assert_eq!(cause(&error), Some(&Error::AlertReceived(AlertDescription::CertificateRequired)));
}

#[test]
fn client_with_a_certificate_of_another_authority_is_refused_and_told() {
    let (servers, clients) = (Authority::new(), Authority::new());
    let own = servers.certify();
    let mut pair = Ends::of(&servers, Some(&clients), Some(&own)).pair(Role::Server);
    let error = pair.open().unwrap_err();
    assert!(matches!(cause(&error), Some(Error::InvalidCertificate(_))), "{error:?}");
    assert!(matches!(pair.failure, Some(Error::AlertReceived(_))), "{:?}", pair.failure);
}

#[test]
fn server_of_an_unknown_authority_is_refused_and_told() {
    let ends = Ends { client: Ends::new().client, ..Ends::new() };
    let mut pair = ends.pair(Role::Client);
    let error = pair.open().unwrap_err();
    assert!(matches!(cause(&error), Some(Error::InvalidCertificate(_))), "{error:?}");
    assert!(matches!(pair.failure, Some(Error::AlertReceived(_))), "{:?}", pair.failure);

    let mut pair = ends.pair(Role::Server);
    let error = pair.open().unwrap_err();
    assert!(matches!(cause(&error), Some(Error::AlertReceived(_))), "{error:?}");
}

#[test]
fn second_connection_resumes_the_session_of_the_first() {
    for role in ROLES {
        let ends = Ends::new();
        for expected in [HandshakeKind::Full, HandshakeKind::Resumed] {
            let mut pair = ends.opened(role);
            // With its first bytes the client takes the tickets too.
            pair.write(b"first").unwrap();
            pair.send(b"second");
            assert_eq!(pair.receive(6).unwrap(), b"second");
            assert_eq!(pair.stream.tls().unwrap().handshake_kind(), Some(expected), "{role:?}");
            assert_eq!(pair.peer.handshake_kind(), Some(expected), "{role:?}");
        }
    }
}

#[test]
fn protocol_is_negotiated_if_both_name_one_and_refused_if_they_differ() {
    let named = |server: &[&[u8]], client: &[&[u8]]| {
        let Ends { server: mut one, client: mut other } = Ends::new();
        let all = |names: &[&[u8]]| names.iter().map(|name| name.to_vec()).collect();
        Arc::get_mut(&mut one).unwrap().alpn_protocols = all(server);
        Arc::get_mut(&mut other).unwrap().alpn_protocols = all(client);
        let mut pair = Ends { server: one, client: other }.pair(Role::Server);
        pair.open().map(|()| pair.stream.tls().unwrap().alpn_protocol().map(<[u8]>::to_vec))
    };
    let ours = crate::tls::ALPN;
    assert_eq!(named(&[ours], &[b"other", ours]).unwrap().as_deref(), Some(ours));
    assert_eq!(named(&[ours], &[]).unwrap(), None);
    assert_eq!(named(&[], &[ours]).unwrap(), None);
    assert_eq!(cause(&named(&[ours], &[b"other"]).unwrap_err()), Some(&Error::NoApplicationProtocol));
}

#[test]
fn proxy_header_comes_before_tls() {
    for at_once in [1, 10, usize::MAX] {
        let mut wire = Wire::of(b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 8010\r\n");
        wire.at_once = at_once;
        let mut pair = Ends::new().pair_over(Role::Server, Stream::new(wire).with_proxy_header());
        pair.open().unwrap();
        assert_eq!(pair.stream.client_address(), Some("192.0.2.1:56324".parse().unwrap()));
        pair.send(b"message");
        assert_eq!(pair.receive(7).unwrap(), b"message");
    }
}
