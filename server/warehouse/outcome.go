package warehouse

import (
	"errors"
	"fmt"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// outcome gives an error the name of what was done, and takes from the engine's own errors the text: it quotes rows.
func outcome(what string, err error) error {
	if err == nil {
		return nil
	}
	var told *clickhouse.Exception
	if errors.As(err, &told) {
		err = refusal(told.Code)
	}
	var refused refusal
	if errors.As(err, &refused) && refused.permanent() {
		return fmt.Errorf("%w: %s: %w", ErrPermanent, what, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Refused says that the engine refuses the rows themselves, so that trying the same again can't help. It is false for
// what may pass: the network, memory, disk, too many parts, time.
func Refused(err error) bool {
	var refused refusal
	return errors.As(err, &refused) && refused.ofRows()
}

// refusal is the engine's code for why it refused a statement.
type refusal int32

// Error names the code, and what it means where an operator can act on it.
func (r refusal) Error() string {
	text := fmt.Sprintf("ClickHouse refused with code %d", int32(r))
	if meaning := r.meaning(); meaning != "" {
		text += " (" + meaning + ")"
	}
	return text
}

const (
	unknownDatabase refusal = 81
	unknownSetting  refusal = 115
	readOnly        refusal = 164
	unknownUser     refusal = 192
	accessDenied    refusal = 497
	wrongPassword   refusal = 516
	settingFixed    refusal = 452
)

func (r refusal) meaning() string {
	switch r {
	case 241:
		return "memory limit"
	case 243:
		return "no space left on its disk"
	case 252:
		return "too many parts"
	case 159:
		return "took too long"
	case 202:
		return "too many queries at once"
	case unknownDatabase:
		return "unknown database"
	case unknownSetting:
		return "it doesn't know a setting: it is too old"
	case readOnly:
		return "the account may only read"
	case unknownUser, wrongPassword:
		return "wrong user or password"
	case accessDenied:
		return "the account lacks a right"
	case settingFixed:
		return "the account may not set what warroom needs"
	}
	return ""
}

// permanent tells what an operator has to mend first.
func (r refusal) permanent() bool {
	switch r {
	case unknownSetting, readOnly, unknownUser, accessDenied, wrongPassword, settingFixed:
		return true
	}
	return false
}

// ofRows tells what is said of values. Code 252 isn't among them: it is also said of too many partitions in one insert,
// but an insert here has one. Nor is 117, incorrect data: it is also said of a damaged file.
func (r refusal) ofRows() bool {
	switch proto.Error(r) {
	case proto.ErrCannotParseText, proto.ErrCannotParseDate, proto.ErrCannotParseDatetime, proto.ErrCannotParseNumber,
		proto.ErrTypeMismatch, proto.ErrCannotConvertType,
		proto.ErrArgumentOutOfBound, proto.ErrValueIsOutOfRangeOfDataType, proto.ErrDecimalOverflow,
		proto.ErrTooLargeStringSize, proto.ErrTooLargeArraySize,
		proto.ErrCannotInsertNullInOrdinaryColumn, proto.ErrViolatedConstraint, proto.ErrFunctionThrowIfValueIsNonZero,
		proto.ErrUnknownElementOfEnum:
		return true
	}
	return false
}
