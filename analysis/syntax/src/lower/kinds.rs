//! The grammar's symbols and fields as numbers that a match can use, looked up once.

use std::sync::LazyLock;

use tree_sitter::{Language, Node};

macro_rules! kinds {
    ($($kind:ident = $name:literal,)*) => {
        /// A symbol of the grammar that the lowering knows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($kind,)*
            /// Any other.
            Other,
        }

        const NAMES: &[(&str, Kind)] = &[$(($name, Kind::$kind),)*];
    };
}

kinds! {
    TranslationUnit = "translation_unit",
    FunctionDefinition = "function_definition",
    Linkage = "linkage_specification",
    DeclarationList = "declaration_list",
    Declaration = "declaration",
    TypeDefinition = "type_definition",
    Storage = "storage_class_specifier",
    Qualifier = "type_qualifier",
    Struct = "struct_specifier",
    Union = "union_specifier",
    Enum = "enum_specifier",
    MacroType = "macro_type_specifier",
    SizedType = "sized_type_specifier",
    PrimitiveType = "primitive_type",
    TypeIdent = "type_identifier",
    FieldIdent = "field_identifier",
    StatementIdent = "statement_identifier",
    FieldList = "field_declaration_list",
    Field = "field_declaration",
    BitfieldClause = "bitfield_clause",
    EnumeratorList = "enumerator_list",
    Enumerator = "enumerator",
    PointerDeclarator = "pointer_declarator",
    FunctionDeclarator = "function_declarator",
    ArrayDeclarator = "array_declarator",
    ParenDeclarator = "parenthesized_declarator",
    AttributedDeclarator = "attributed_declarator",
    InitDeclarator = "init_declarator",
    AbstractPointer = "abstract_pointer_declarator",
    AbstractFunction = "abstract_function_declarator",
    AbstractArray = "abstract_array_declarator",
    AbstractParen = "abstract_parenthesized_declarator",
    ParameterList = "parameter_list",
    Parameter = "parameter_declaration",
    VariadicParameter = "variadic_parameter",
    TypeDescriptor = "type_descriptor",
    Compound = "compound_statement",
    AttributedStatement = "attributed_statement",
    ExpressionStatement = "expression_statement",
    If = "if_statement",
    Else = "else_clause",
    Switch = "switch_statement",
    Case = "case_statement",
    Labeled = "labeled_statement",
    While = "while_statement",
    Do = "do_statement",
    For = "for_statement",
    Return = "return_statement",
    Break = "break_statement",
    Continue = "continue_statement",
    Goto = "goto_statement",
    Ident = "identifier",
    Number = "number_literal",
    CharLit = "char_literal",
    StringLit = "string_literal",
    Concatenated = "concatenated_string",
    True = "true",
    False = "false",
    Null = "null",
    Paren = "parenthesized_expression",
    Conditional = "conditional_expression",
    Assignment = "assignment_expression",
    Unary = "unary_expression",
    Update = "update_expression",
    Cast = "cast_expression",
    Pointer = "pointer_expression",
    Sizeof = "sizeof_expression",
    Alignof = "alignof_expression",
    Offsetof = "offsetof_expression",
    Generic = "generic_expression",
    Subscript = "subscript_expression",
    Call = "call_expression",
    ArgumentList = "argument_list",
    FieldExpression = "field_expression",
    CompoundLiteral = "compound_literal_expression",
    Comma = "comma_expression",
    Binary = "binary_expression",
    InitList = "initializer_list",
    InitPair = "initializer_pair",
    FieldDesignator = "field_designator",
    Asm = "gnu_asm_expression",
    Extension = "extension_expression",
    Dots = "...",
}

macro_rules! fields {
    ($($field:ident = $name:literal,)*) => {
        /// A field of a node.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[expect(clippy::enum_variant_names, reason = "the grammar's names")]
        pub(crate) enum Field {
            $($field,)*
            /// Any other, or none.
            Other,
        }

        const FIELDS: &[(&str, Field)] = &[$(($name, Field::$field),)*];
    };
}

fields! {
    Declarator = "declarator",
    Type = "type",
    Body = "body",
    Name = "name",
    Value = "value",
    Size = "size",
    Parameters = "parameters",
    Condition = "condition",
    Consequence = "consequence",
    Alternative = "alternative",
    Initializer = "initializer",
    Update = "update",
    Label = "label",
    Operator = "operator",
    Argument = "argument",
    Left = "left",
    Right = "right",
    Index = "index",
    Function = "function",
    Arguments = "arguments",
    Field = "field",
    Member = "member",
    Designator = "designator",
}

struct Tables {
    kinds: Vec<Kind>,
    fields: Vec<Field>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let language: Language = tree_sitter_c::LANGUAGE.into();
    let kind = |id: usize| {
        let id = u16::try_from(id).ok()?;
        let name = language.node_kind_for_id(id)?;
        // `"..."` is the only symbol without a name of its own that is asked for.
        if !language.node_kind_is_named(id) && name != "..." {
            return None;
        }
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    };
    let field = |id: usize| {
        let name = language.field_name_for_id(u16::try_from(id).ok()?)?;
        FIELDS.iter().find(|(known, _)| *known == name).map(|(_, field)| *field)
    };
    Tables {
        kinds: (0..language.node_kind_count()).map(|id| kind(id).unwrap_or(Kind::Other)).collect(),
        fields: (0..=language.field_count()).map(|id| field(id).unwrap_or(Field::Other)).collect(),
    }
});

/// The symbol of a node.
pub(crate) fn kind(node: Node<'_>) -> Kind {
    TABLES.kinds.get(node.kind_id() as usize).copied().unwrap_or(Kind::Other)
}

/// A field by its number.
pub(crate) fn field(id: Option<std::num::NonZeroU16>) -> Field {
    id.and_then(|id| TABLES.fields.get(id.get() as usize).copied()).unwrap_or(Field::Other)
}
