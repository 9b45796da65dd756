package warehouse

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	// revision of the native protocol that a line speaks, the newest that package proto knows all of. Servers speak all
	// older revisions. (The embedded engine, 26.7.3, ends when a line with an older one is closed right after its
	// greeting.)
	revision = int(proto.FeatureServerQueryTimeInProgress)
	// flushBytes are collected before they are written: a column a write, small ones together.
	flushBytes = 256 << 10
	// keepBytes is how large a line's buffer may stay between two blocks. A column of 100,000 visitors has 3.3 MB.
	keepBytes = 8 << 20
)

// errProtocol says that the other side didn't speak the native protocol as expected.
var errProtocol = errors.New("an unexpected answer")

// line is a connection of its own for what storing sends in bulk. The driver builds its columns by reflection and
// keeps a block twice in memory; a line writes each column from the rows straight to the socket. It is used by one
// goroutine at a time. After an error it is of no use any more, and what became of the statement is unknown.
type line struct {
	conn   net.Conn
	reader *proto.Reader
	// settings go with every statement.
	settings []proto.Setting
	buf      proto.Buffer
	words    dictionary
}

// block is a table on the wire: a name when it goes along with a statement, columns, and as many rows in each.
type block struct {
	name    string
	rows    int
	columns []wired
}

// wired is a column of a block. put writes its values.
type wired struct {
	name, kind string
	put        func(b *proto.Buffer, words *dictionary)
}

// dial opens a line to the first of the addresses that answers.
func dial(ctx context.Context, o *clickhouse.Options) (l *line, err error) {
	for _, address := range o.Addr {
		if l, err = dialOne(ctx, o, address); err == nil {
			return l, nil
		}
	}
	return nil, err
}

func dialOne(ctx context.Context, o *clickhouse.Options, address string) (*line, error) {
	conn, err := o.DialContext(ctx, address)
	if err != nil {
		return nil, err
	}
	l := &line{conn: conn, reader: proto.NewReader(conn), settings: settingsOf(o)}
	defer l.closeWith(ctx)()
	if err := l.hello(o.Auth); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return l, nil
}

// settingsOf are the settings that go with every statement. The engine refuses one that it doesn't know.
func settingsOf(o *clickhouse.Options) []proto.Setting {
	settings := make([]proto.Setting, 0, len(o.Settings))
	for name, value := range o.Settings {
		settings = append(settings, proto.Setting{Key: name, Value: fmt.Sprint(value), Important: true})
	}
	return settings
}

func (l *line) hello(auth clickhouse.Auth) error {
	proto.ClientHello{
		Name: "warroom", Major: 1, ProtocolVersion: revision,
		Database: auth.Database, User: auth.Username, Password: auth.Password,
	}.Encode(&l.buf)
	if err := l.answerWithin(dialTimeout); err != nil {
		return err
	}
	if err := l.flush(); err != nil {
		return err
	}
	code, err := l.code()
	if err != nil {
		return err
	}
	if code != proto.ServerCodeHello {
		return l.notice(code)
	}
	var server proto.ServerHello
	if err := server.DecodeAware(l.reader, revision); err != nil {
		return err
	}
	if server.Revision < revision {
		return fmt.Errorf("%w: it speaks revision %d and this program %d", ErrPermanent, server.Revision, revision)
	}
	l.buf.PutString("") // the addendum: a key for quotas
	return l.flush()
}

// alive asks for a sign of life: an engine that was started again has closed the line.
func (l *line) alive() bool {
	proto.ClientCodePing.Encode(&l.buf)
	if l.answerWithin(dialTimeout) != nil || l.flush() != nil {
		return false
	}
	code, err := l.code()
	return err == nil && code == proto.ServerCodePong
}

// closeWith closes the line when ctx ends, until the result is called: nothing else ends a read that waits.
func (l *line) closeWith(ctx context.Context) (release func()) {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.Close() })
	return func() { stop() }
}

// answerWithin bounds all reads from now on. Each write is bounded by its socket.
func (l *line) answerWithin(d time.Duration) error { return l.conn.SetReadDeadline(time.Now().Add(d)) }

// run sends a statement with the table that goes along with it, and reads what it answers into result, which may be
// nil, block by block; each is called after a block.
func (l *line) run(sql string, along block, result proto.Result, each func(rows int)) error {
	if err := l.begin(sql, l.settings, along); err != nil {
		return err
	}
	return l.await(proto.ServerCodeEndOfStream, result, each)
}

// insert sends an INSERT and its block. The token lets the engine drop a repeat.
func (l *line) insert(sql, token string, data block) error {
	known := proto.Setting{Key: "insert_deduplication_token", Value: token, Important: true}
	if err := l.begin(sql, append(l.settings[:len(l.settings):len(l.settings)], known), block{}); err != nil {
		return err
	}
	if err := l.await(proto.ServerCodeData, nil, nil); err != nil { // the columns that the engine expects
		return err
	}
	if err := l.send(data); err != nil {
		return err
	}
	if err := l.end(); err != nil {
		return err
	}
	return l.await(proto.ServerCodeEndOfStream, nil, nil)
}

func (l *line) begin(sql string, settings []proto.Setting, along block) error {
	proto.Query{
		Body: sql, Settings: settings, Stage: proto.StageComplete,
		Info: proto.ClientInfo{
			ProtocolVersion: revision, Interface: proto.InterfaceTCP, Query: proto.ClientQueryInitial,
			InitialAddress: "0.0.0.0:0", ClientName: "warroom", Major: 1,
		},
	}.EncodeAware(&l.buf, revision)
	if along.name != "" {
		if err := l.send(along); err != nil {
			return err
		}
	}
	return l.end()
}

// end says that no more blocks come, and from when on the answer is waited for.
func (l *line) end() error {
	if err := l.send(block{}); err != nil {
		return err
	}
	if err := l.flush(); err != nil {
		return err
	}
	return l.answerWithin(storeTimeout)
}

// send writes a block column by column, so that no more than one of them is in memory.
func (l *line) send(b block) error {
	proto.ClientCodeData.Encode(&l.buf)
	l.buf.PutString(b.name)
	proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: len(b.columns), Rows: b.rows}.EncodeAware(&l.buf, revision)
	for _, c := range b.columns {
		l.buf.PutString(c.name)
		l.buf.PutString(c.kind)
		l.buf.PutBool(false) // no serialization of its own
		if b.rows > 0 {
			c.put(&l.buf, &l.words)
		}
		if len(l.buf.Buf) >= flushBytes {
			if err := l.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *line) flush() error {
	_, err := l.conn.Write(l.buf.Buf)
	l.buf.Reset()
	if cap(l.buf.Buf) > keepBytes {
		l.buf.Buf = nil
	}
	return err
}

// await reads answers up to one of that code.
func (l *line) await(wanted proto.ServerCode, result proto.Result, each func(rows int)) error {
	for {
		code, err := l.code()
		if err != nil {
			return err
		}
		if code == proto.ServerCodeData || code == proto.ServerCodeTotals {
			err = l.block(result, each)
		} else if code != proto.ServerCodeEndOfStream {
			err = l.notice(code)
		}
		if err != nil || code == wanted {
			return err
		}
		if code == proto.ServerCodeEndOfStream {
			return errProtocol
		}
	}
}

func (l *line) code() (proto.ServerCode, error) {
	code, err := l.reader.UVarInt()
	return proto.ServerCode(code), err //nolint:gosec // a code that is none is refused by notice
}

func (l *line) block(result proto.Result, each func(rows int)) error {
	if _, err := l.reader.Str(); err != nil { // the name of the table
		return err
	}
	var b proto.Block
	if err := b.DecodeBlock(l.reader, revision, result); err != nil {
		return err
	}
	if each != nil && b.Rows > 0 {
		each(b.Rows)
	}
	return nil
}

// notice reads what may come between blocks, and returns the engine's refusal.
func (l *line) notice(code proto.ServerCode) error {
	var v proto.AwareDecoder
	switch code {
	case proto.ServerCodeException:
		var refused proto.Exception
		if err := refused.DecodeAware(l.reader, revision); err != nil {
			return err
		}
		return refusal(refused.Code)
	case proto.ServerCodeProgress:
		v = &proto.Progress{}
	case proto.ServerCodeProfile:
		v = &proto.Profile{}
	case proto.ServerCodeTableColumns:
		v = &proto.TableColumns{}
	case proto.ServerProfileEvents:
		var ignored proto.ProfileEvents
		return l.block(ignored.Result(), nil)
	default:
		return fmt.Errorf("%w: code %d", errProtocol, code)
	}
	return v.DecodeAware(l.reader, revision)
}
